"""What people read, a folder a report; they share `style`."""
