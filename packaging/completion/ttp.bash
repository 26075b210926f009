# SPDX-License-Identifier: Apache-2.0
# bash completion for ttp

# Set COMPREPLY to the words that begin as $cur does.
_ttp_words() {
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}

# The values of an option of a command; fails where it takes none that can be listed.
_ttp_value() {
    case "$1 $2" in
    *' --format' | *' -f') _ttp_words 'auto event cowrie' ;;
    'export navigator --output' | 'export navigator -o') mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
    'tag --output' | 'tag -o') _ttp_words 'table jsonl ecs none' ;;
    'rules list --output' | 'rules list -o') _ttp_words 'table jsonl prometheus' ;;
    'rules status --output' | 'rules status -o' | 'state list --output' | 'state list -o') _ttp_words 'table jsonl' ;;
    'rules lint --output' | 'rules lint -o' | 'rules test --output' | 'rules test -o' | 'rules watch --output' | 'rules watch -o') _ttp_words 'text jsonl' ;;
    *' --output' | *' -o') _ttp_words 'text json' ;;
    *' --rules' | *' -r' | *' --dir') mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
    *' --attack-bundle' | *' --db' | *' --events') mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
    *' --attack-release' | *' --rule' | *' --name' | *' -n' | *' --url' | *' --for' | *' --until' | \
        *' --confidence-max' | *' --reason' | *' --by' | *' --host' | *' --forget' | *' --threads' | *' --regex-budget') COMPREPLY=() ;;
    *) return 1 ;;
    esac
}

_ttp() {
    local cur prev words cword command options
    local attack='--attack-bundle --attack-release'
    if declare -F _init_completion >/dev/null; then
        _init_completion || return
    else
        words=("${COMP_WORDS[@]}")
        cword=$COMP_CWORD
        cur=${words[cword]}
        prev=${words[cword - 1]}
    fi

    command=${words[1]}
    if ((cword == 1)); then
        _ttp_words 'tag explain rules export attack state sync doctor bench --help --version'
        return
    fi
    if ((cword == 2)); then
        case $command in
        rules) _ttp_words 'lint test list show status watch --help' && return ;;
        export) _ttp_words 'navigator --help' && return ;;
        attack) _ttp_words 'show fetch --help' && return ;;
        state) _ttp_words 'list get set clear --help' && return ;;
        esac
    fi
    [[ $command == @(rules|export|attack|state) ]] && command+=" ${words[2]}"

    _ttp_value "$command" "$prev" && return
    case $command in
    tag) options="--format --rules --output --db $attack --threads --regex-budget --host --quiet" ;;
    explain) options="--rules --rule --all --output --format $attack" ;;
    'rules watch') options="--rules $attack --db --host --output --existing --no-gate" ;;
    'rules status') options="--rules $attack --db --output --forget" ;;
    'rules list') options="--rules $attack --db --hits --cost --events --output" ;;
    'rules '*) options="--rules $attack --output" ;;
    'export navigator') options="--db --name --output $attack" ;;
    'attack show') options="$attack --output" ;;
    'attack fetch') options='--url --dir' ;;
    'state set') options='--db --for --until --confidence-max --reason --by' ;;
    'state clear') options='--db' ;;
    'state '*) options='--db --output' ;;
    sync) options="--rules --db $attack --once --no-gate" ;;
    doctor) options='--output --rules' ;;
    bench) options='--json' ;;
    esac
    if [[ $cur == -* ]]; then
        _ttp_words "$options --help"
    elif [[ $command == bench ]]; then
        _ttp_words 'engine tag startup reload swap tail hostile'
    elif [[ $command != @(doctor|attack*|state*|sync|'rules watch'|'rules status') ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    fi
}
complete -o filenames -o bashdefault -F _ttp ttp
