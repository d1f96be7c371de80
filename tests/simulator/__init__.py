"""Tests of the simulator, most of them over real HTTP."""
