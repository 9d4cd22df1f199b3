// Before the first paint, so that it does not flash: what this browser chose, else what its system says.
(() => {
  const chosen = localStorage.getItem("touchstone-theme");
  if (chosen) document.documentElement.dataset.theme = chosen;
})();
