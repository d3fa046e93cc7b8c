"""HikerAPI, the read upstream: endpoints with their prices, decoding, errors and charges."""
