"""From an answer's text to its tree: every character is accounted for, or the text is not read."""
