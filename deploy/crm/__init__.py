"""The local runner and operator command line: everything that starts, stops and looks at a stack on one machine."""
