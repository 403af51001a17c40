"""Models on Amazon Bedrock, endpoints on SageMaker."""
