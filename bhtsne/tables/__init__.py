"""Tables in files and data frames → points, and what is known of each: names, ids, labels."""
