"""Every core: register tiles in plain C, where the kernels that operators lower to are the fallback."""
