// SPDX-License-Identifier: Apache-2.0

import ConsoleCommands
import Glibc

@main
struct Entrypoint {
  static func main() {
    exit(CommandLineTool.run().rawValue)
  }
}
