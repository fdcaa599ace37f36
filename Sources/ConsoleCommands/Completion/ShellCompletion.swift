// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DocumentModel

/// Answers the completion scripts of shells: `p2pctl complete …`, which is not listed in any help text.
///
/// The first line of the answer is the kind of completion: `words`, followed by one word per line, or `files` or
/// `directories`, which the shell completes itself.
enum ShellCompletion {
  /// - Parameter arguments: `bash BREAKS LINE`, or `words WORD… TYPED`.
  static func answer(_ arguments: [String], on console: Console) throws {
    guard let root = CommandDescription.own(), let options = DaemonOptions.defaults else { return }
    switch arguments.first {
    case "bash" where arguments.count == 3:
      let line = PartialLine(arguments[2])
      let replaced = line.replacedByBash(breaks: arguments[1])
      try write(Array(line.words.dropFirst()), line.typed, root, options, on: console) {
        line.completed(to: $0.text, replacing: replaced)
      }
    case "words" where arguments.count >= 2:
      try write(Array(arguments[1...].dropLast()), arguments.last ?? "", root, options, on: console) { word in
        let help = TextRules.escapedForTerminal(word.help)
        return help.isEmpty ? word.text : "\(word.text)\t\(help)"
      }
    default: throw CommandFailure(.usage, "complete is used by the completion scripts of shells only")
    }
  }

  private static func write(
    _ words: [String], _ typed: String, _ root: CommandDescription, _ options: DaemonOptions, on console: Console,
    _ form: (Completion.Word) -> String?
  ) throws {
    let completion = Completion(after: words, typed: typed, in: root)
    switch completion.kind {
    case .files: try console.writeLine("files")
    case .directories: try console.writeLine("directories")
    default:
      try console.writeLine("words")
      let candidates = CompletionCandidates(console: console, options: options, words: words)
      for word in candidates.words(completion, typed: typed) where !word.text.contains(where: \.isNewline) {
        if let line = form(word) { try console.writeLine(line) }
      }
    }
  }
}

/// Completion scripts that ask p2pctl itself for candidates. They contain no commands or options, so they always match the
/// installed program.
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
    # Completion of p2pctl for bash. To try it: source <(p2pctl --generate-completion-script bash)
    _p2pctl() {
      local program=${COMP_WORDS[0]/#\~/$HOME}
      local -a found
      mapfile -t found < <("$program" complete bash "$COMP_WORDBREAKS" "${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
      COMPREPLY=("${found[@]:1}")
      case ${found[0]} in
      files) compopt -o default 2>/dev/null ;;
      directories) compopt -o dirnames 2>/dev/null ;;
      esac
      # A key that goes on behind its slash.
      case ${COMPREPLY[0]} in
      */) compopt -o nospace 2>/dev/null ;;
      esac
    }
    complete -F _p2pctl p2pctl

    """#

  private static let zshText = #"""
    #compdef p2pctl
    # Completion of p2pctl for zsh. Save it as _p2pctl in a directory of $fpath.
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
      # Without a space behind a key that goes on behind its slash.
      local -a suffix
      [[ $values[1] == */ ]] && suffix=(-S '')
      compadd $suffix -l -d shown -a values
    }
    if [ "$funcstack[1]" = "_p2pctl" ]; then _p2pctl "$@"; else compdef _p2pctl p2pctl; fi

    """#

  private static let fishText = #"""
    # Completion of p2pctl for fish. To try it: p2pctl --generate-completion-script fish | source
    # The functions of fish do not expand a tilde.
    function __p2pctl_paths
        if string match -q '~/*' -- "$argv[2]"
            $argv[1] (string replace '~' "$HOME" -- "$argv[2]") | string replace -- "$HOME" '~'
        else
            $argv[1] "$argv[2]"
        end
    end
    function __p2pctl_complete
        # The text after an open quote, or the word with its backslashes removed.
        set -l typed (string replace -r '^[\'"]' '' -- (commandline -ct | string collect))
        set typed (string unescape -- "$typed"; or string join '' -- "$typed")
        set -l words (commandline -opc)
        set -e words[1]
        set -l found (p2pctl complete words $words "$typed" 2>/dev/null)
        switch "$found[1]"
            case files
                __p2pctl_paths __fish_complete_path "$typed"
            case directories
                __p2pctl_paths __fish_complete_directories "$typed"
            case '*'
                set -e found[1]
                string join \n -- $found
        end
    end
    complete -c p2pctl -f -a '(__p2pctl_complete)'

    """#
}
