"""What a load balancer and an operator ask: is it alive, is it ready."""
