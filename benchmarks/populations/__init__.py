"""What values by cell, by firm and by draw cost against one value for all."""
