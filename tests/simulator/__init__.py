"""The laws of the simulator, most of them proved over real HTTP."""
