"""What people read, a folder a report: comparison, study, explain, claims, verification, bench. They share `style`."""
