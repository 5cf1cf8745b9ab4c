"""A minimal Django project that has this engine and nothing else of ours. Worker processes of the tests run it."""
