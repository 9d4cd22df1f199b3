"""One module a kind of answer: what its references must hold, and how an answer is judged."""
