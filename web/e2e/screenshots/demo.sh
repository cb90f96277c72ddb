# What the pictures show: somebody looks for a bug in a parser.
prompt='\033[1;32mlena@build\033[0m:\033[1;34m~/parser\033[0m$ '
clear
printf "${prompt}git log --oneline | head -3\n"
printf '\033[33ma41c9e2\033[0m (\033[1;36mHEAD\033[0m -> \033[1;32mwide\033[0m) Count cells, not characters\n'
printf '\033[33m7be0d15\033[0m Split the tokenizer from the parser\n\033[33m19f2ac8\033[0m Bench the tokenizer\n'
printf "${prompt}cargo test\n"
printf '\033[1;32m   Compiling\033[0m parser v0.4.2\n\033[1;32m    Finished\033[0m `test` profile in 3.41s\n\033[1;32m     Running\033[0m unittests src/lib.rs\n\n'
for name in empty_line nested_lists quoted_pairs line_endings numbers_at_the_limit; do
  printf "test tokens::$name ... \033[32mok\033[0m\n"
done
printf 'test tokens::combining_marks ... \033[31mFAILED\033[0m\n\n---- tokens::combining_marks ----\n'
printf 'assertion `left == right` failed: é is one cell, not two\n  left: \033[31m2\033[0m\n right: \033[32m1\033[0m\n'
printf '\033[33mnote\033[0m: see https://docs.example/width#combining\n\n'
printf 'test result: \033[31mFAILED\033[0m. 5 passed; \033[31m1 failed\033[0m\n'
PS1='\[\033[1;32m\]lena@build\[\033[0m\]:\[\033[1;34m\]~/parser\[\033[0m\]$ ' exec bash --norc
