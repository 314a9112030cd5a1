"""Other hosts for the same core: RunPod, Lightning and Modal, each with its own queue."""
