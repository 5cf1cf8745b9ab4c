"""Money of a top-up that bought no points goes back: asked for by its viewer, approved by staff, sent by the signer."""
