"""Processes, threads, memory and interrupts of the computer at hand."""
