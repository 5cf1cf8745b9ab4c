"""Pipelines: work of many units that survives anything, each unit a task, each output a checkpoint."""
