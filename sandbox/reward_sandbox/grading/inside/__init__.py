"""What runs in a jail beside a solution or beside its tests: laid into the box as files, on the standard library alone."""
