"""The wires that trainers speak, one module each, over one toolbox."""
