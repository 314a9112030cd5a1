"""What stands around predict.py in Cog's container: announcement, segments, log, probes, entry."""
