"""What is to be measured where there is a GPU: stages of minutes, resumable, with small files as results."""
