"""What the containers of a pod need besides their programs; standard library only."""
