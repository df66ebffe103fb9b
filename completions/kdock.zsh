#compdef kdock
# Completion of kdock's command line in zsh, from `kdock completion zsh`: sourced, or as the file _kdock in a folder of $fpath.

_kdock() {
  local -a answer told candidates suffix
  answer=("${(@f)$("${(Q)words[1]}" completion zsh -- "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
  told=(${(s: :)answer[1]})
  candidates=("${(@)answer[2,-1]}")
  [[ $told[3] != nospace ]] || suffix=(-S '')
  local found=1
  if (( $#candidates )); then _describe -t kdock kdock candidates "${(@)suffix}" && found=0; fi
  case $told[1] in
    files) compset -p $told[2] && _files && found=0 ;;
    folders) compset -p $told[2] && _files -/ && found=0 ;;
  esac
  return found
}

if [[ $funcstack[1] == _kdock ]]; then _kdock "$@"; else compdef _kdock kdock; fi
