import ConsoleCommands
import Glibc

@main
struct Entrypoint {
  static func main() {
    exit(ConsoleProcess.run().rawValue)
  }
}
