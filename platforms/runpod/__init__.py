"""A worker of RunPod's serverless platform."""
