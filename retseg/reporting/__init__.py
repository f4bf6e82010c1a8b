"""Reports: pages made from the files that earlier stages wrote."""
