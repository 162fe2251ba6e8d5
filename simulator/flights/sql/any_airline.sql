select carrier from airlines limit 1
