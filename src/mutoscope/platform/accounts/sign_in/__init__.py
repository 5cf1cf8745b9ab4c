"""How people prove who they are: allauth does it, with our names, words and limits. Settings: web/sign_in.py."""
