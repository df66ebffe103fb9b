# Completion of kdock's command line in fish, from `kdock completion fish`.

function __kdock_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l answer ($words[1] completion fish -- $words[2..-1] "$word" 2>/dev/null)
    set -q answer[1]; or return
    set -q answer[2]; and printf '%s\n' $answer[2..-1]
    set -l told (string split ' ' -- $answer[1])
    set -l kept (string sub -l $told[2] -- "$word")
    set -l path (string sub -s (math $told[2] + 1) -- "$word")
    switch $told[1]
        case files
            __fish_complete_path "$path" | string replace -r '^' -- "$kept"
        case folders
            __fish_complete_directories "$path" '' | string replace -r '^' -- "$kept"
    end
end

complete -c kdock -f -a '(__kdock_complete)'
