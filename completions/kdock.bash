# shellcheck shell=bash
# Completion of kdock's command line in bash, from `kdock completion bash`. Needs no bash-completion.

_kdock() {
  local line=${COMP_LINE:0:COMP_POINT} words=() blanks word i
  for ((i = 0; i <= COMP_CWORD; i++)); do
    blanks=${line%%[![:space:]]*}
    line=${line#"$blanks"}
    word=${COMP_WORDS[i]}
    ((i < COMP_CWORD)) || word=$line
    line=${line#"$word"}
    # bash splits at COMP_WORDBREAKS, such as = and :, what is one word for kdock.
    if ((i > 0)) && [ -z "$blanks" ]; then words[${#words[@]} - 1]+=$word; else words+=("$word"); fi
  done

  local answer paths spacing
  mapfile -t answer < <("${words[0]}" completion bash -- "${words[@]:1}" 2>/dev/null)
  read -r paths _ spacing <<<"${answer[0]-}"

  # And it replaces what is behind the last of these only.
  local breaks=${COMP_WORDBREAKS//[^=:]/} kept=
  word=${words[${#words[@]} - 1]}
  [ -z "$breaks" ] || kept=${word%"${word##*["$breaks"]}"}
  COMPREPLY=("${answer[@]:1}")
  COMPREPLY=("${COMPREPLY[@]#"$kept"}")

  # Where no name fits.
  case $paths in
    files) compopt -o default ;;
    folders) compopt -o dirnames ;;
  esac
  [ "$spacing" != nospace ] || compopt -o nospace
}

complete -F _kdock kdock
