std = "lua54"
max_line_length = 150
files["tests/lua"] = { std = "lua54+busted" }
