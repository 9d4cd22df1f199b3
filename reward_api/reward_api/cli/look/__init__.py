"""`touchstone show` and `touchstone diff`: look at scored lines, and compare two files of them."""
