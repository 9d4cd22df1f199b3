"""What runs inside a jail or starts it: the standard library alone, imported by bare names there."""
