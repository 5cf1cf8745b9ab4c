"""Files on their way in: resumable uploads by the tus protocol 1.0."""
