"""The queue: tasks that docket keeps in Redis, and the workers that do them."""
