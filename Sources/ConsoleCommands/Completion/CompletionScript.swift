// SPDX-License-Identifier: Apache-2.0

/// Scripts that teach shells to ask p2pctl itself what may stand where: they know no command and no option, and so never
/// say anything else than the program that is there.
enum CompletionScript: String, CaseIterable {
  case bash
  case zsh
  case fish

  var text: String {
    switch self {
    case .bash: Self.bashText
    case .zsh: Self.zshText
    case .fish: Self.fishText
    }
  }

  private static let bashText = #"""
    # Completion of p2pctl for bash. Try it: source <(p2pctl --generate-completion-script bash)
    _p2pctl() {
      local program=${COMP_WORDS[0]/#\~/$HOME}
      local -a found
      mapfile -t found < <("$program" complete bash "$COMP_WORDBREAKS" "${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
      COMPREPLY=("${found[@]:1}")
      case ${found[0]} in
      files) compopt -o default 2>/dev/null ;;
      directories) compopt -o dirnames 2>/dev/null ;;
      esac
    }
    complete -F _p2pctl p2pctl

    """#

  private static let zshText = #"""
    #compdef p2pctl
    # Completion of p2pctl for zsh: put it as _p2pctl into a directory of $fpath.
    _p2pctl() {
      local -a found values shown
      local line
      found=("${(@f)$("${(Q)words[1]/#\~/$HOME}" complete words "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
      case $found[1] in
      files) _files; return ;;
      directories) _files -/; return ;;
      esac
      for line in "${(@)found[2,-1]}"; do
        values+=("${line%%$'\t'*}")
        shown+=("${line/$'\t'/  -- }")
      done
      (( $#values )) || return 1
      compadd -l -d shown -a values
    }
    if [ "$funcstack[1]" = "_p2pctl" ]; then _p2pctl "$@"; else compdef _p2pctl p2pctl; fi

    """#

  private static let fishText = #"""
    # Completion of p2pctl for fish. Try it: p2pctl --generate-completion-script fish | source
    function __p2pctl_complete
        # Behind an open quote; elsewhere without its backslashes.
        set -l typed (string replace -r '^[\'"]' '' -- (commandline -ct | string collect))
        set typed (string unescape -- "$typed"; or string join '' -- "$typed")
        set -l words (commandline -opc)
        set -e words[1]
        set -l found (p2pctl complete words $words "$typed" 2>/dev/null)
        switch "$found[1]"
            case files
                __fish_complete_path "$typed"
            case directories
                __fish_complete_directories "$typed"
            case '*'
                set -e found[1]
                string join \n -- $found
        end
    end
    complete -c p2pctl -f -a '(__p2pctl_complete)'

    """#
}
