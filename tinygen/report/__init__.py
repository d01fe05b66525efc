"""What the commands tell: figures as values, and their text and JSON forms."""
