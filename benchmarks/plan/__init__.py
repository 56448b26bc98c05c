"""What `firmfate plan --pilot` predicts, against what then happens."""
