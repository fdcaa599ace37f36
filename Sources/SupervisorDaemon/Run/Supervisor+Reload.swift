import DocumentModel
import ProcessSupervision
import WireProtocol

/// Another configuration, while everything runs.
extension Supervisor {
  /// Takes over what can be changed while everything runs. A configuration that is wrong changes nothing.
  func reload() -> SupervisorError? {
    guard !fleet.isEnding else { return nil }
    let new: RunPlan
    do throws(SupervisorError) {
      new = try options.reload()
    } catch {
      log.write("not reloaded: \(error)")
      return error
    }
    let change = PlanChange(from: plan, to: new)
    let index = BlueprintBuilder.indexAddress(new, served: children[ProcessRole.index.rawValue]?.blueprint)
    let added: [ChildBlueprint]
    do throws(SupervisorError) {
      added = try prepare(change.added, index: index)
    } catch {
      log.write("not reloaded: \(error)")
      return error
    }
    if !change.postponed.isEmpty {
      log.write("at the next start of the supervisor change: \(change.postponed.joined(separator: ", "))")
    }
    for name in change.removed { perform(fleet.retire(name.text, now: .now)) }
    for child in children.values { inform(child, of: index) }
    for blueprint in added { begin(blueprint) }
    plan = plan.applying(change, added: change.added, peersIndex: new.peersIndex)
    log.write("reloaded")
    return nil
  }

  /// Everything that new peers need, before anything is changed for them. What was opened is closed again where one of
  /// them cannot be made.
  private func prepare(_ peers: [RunPlan.Peer], index: Endpoint) throws(SupervisorError) -> [ChildBlueprint] {
    var blueprints: [ChildBlueprint] = []
    do throws(SupervisorError) {
      for peer in peers {
        guard children[peer.name.text] == nil else {
          throw SupervisorError(
            .failed, "the peer \(peer.name) that was removed before has not ended yet: reload again")
        }
        blueprints.append(try premises.builder.peer(peer, index: index))
      }
    } catch {
      for blueprint in blueprints { blueprint.closeListeners() }
      throw error
    }
    return blueprints
  }

  private func inform(_ child: SupervisedChild, of index: Endpoint) {
    if case .peer(var settings) = child.blueprint.settings {
      settings.index = index
      child.blueprint.settings = .peer(settings)
    }
    child.tell(.reload(child.blueprint.settings))
  }

  private func begin(_ blueprint: ChildBlueprint) {
    children[blueprint.name] = SupervisedChild(blueprint)
    fleet.add(blueprint.name, role: .peer, now: .now)
    perform(fleet.start(blueprint.name, now: .now))
  }
}
