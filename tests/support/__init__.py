"""What several tests share: builders, the exporter as a process, real programs, the truth."""
