# SPDX-License-Identifier: Apache-2.0
# bash completion for ttp

_ttp() {
    local cur prev words cword
    if declare -F _init_completion >/dev/null; then
        _init_completion || return
    else
        words=("${COMP_WORDS[@]}")
        cword=$COMP_CWORD
        cur=${words[cword]}
        prev=${words[cword - 1]}
    fi

    # what an option takes, whatever the command
    case $prev in
    --format)
        mapfile -t COMPREPLY < <(compgen -W 'auto event cowrie' -- "$cur")
        return
        ;;
    --output)
        if [[ ${words[1]} == tag ]]; then
            mapfile -t COMPREPLY < <(compgen -W 'table jsonl ecs none' -- "$cur")
        else
            mapfile -t COMPREPLY < <(compgen -W 'text json jsonl' -- "$cur")
        fi
        return
        ;;
    --rules)
        mapfile -t COMPREPLY < <(compgen -d -- "$cur")
        return
        ;;
    --attack-bundle | --db)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    esac

    if ((cword == 1)); then
        mapfile -t COMPREPLY < <(compgen -W 'tag rules explain attack export doctor bench --help --version' -- "$cur")
        return
    fi
    local group=${words[1]} options=--help
    case $group in
    rules) ((cword == 2)) && options='lint list show test --help' || options='--rules --attack-bundle --attack-release --output --help' ;;
    attack) ((cword == 2)) && options='show fetch --help' || options='--attack-bundle --attack-release --help' ;;
    export) ((cword == 2)) && options='navigator --help' || options='--format --rules --attack-bundle --attack-release --help' ;;
    tag) options='--format --rules --db --output --attack-bundle --attack-release --help' ;;
    explain) options='--format --rules --output --help' ;;
    bench) options='engine tag --json --help' ;;
    esac
    if [[ $cur == -* ]] || { ((cword == 2)) && [[ $group == @(rules|attack|export|bench) ]]; }; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
    elif [[ $group != doctor ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    fi
}
complete -o filenames -o bashdefault -F _ttp ttp
