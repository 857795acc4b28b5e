"""What the verifiers of all scenarios use to look at hosts, certificates and samples."""
