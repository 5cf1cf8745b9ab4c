"""From the file that came in to an edition that can be played: a pipeline on the tasks engine."""
