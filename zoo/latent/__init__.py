"""What one does with trained models and their latent spaces."""
