"""The tests: units beside the module they test, then whole processes and real programs in `e2e`."""
