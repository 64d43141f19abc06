using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Contracts.Control;
using Esper.Contracts.Lifecycle;

namespace Esper.Tamiyo;

/// <summary>Collects a decision's commands and numbers them: the ids are unique within a run and the same in every replay.</summary>
internal sealed class CommandList(string issuer, SystemState state)
{
    private readonly ImmutableArray<LifecycleCommand>.Builder _commands = ImmutableArray.CreateBuilder<LifecycleCommand>();

    public void Germinate(SeedId seed, string blueprint, string reason) =>
        _commands.Add(new GerminateCommand(NextId(), issuer, seed, blueprint, reason));

    public void Cull(SeedId seed, string reason) => _commands.Add(new CullCommand(NextId(), issuer, seed, reason));

    public void Fossilize(SeedId seed, string reason) => _commands.Add(new FossilizeCommand(NextId(), issuer, seed, reason));

    public ImmutableArray<LifecycleCommand> ToImmutable() => _commands.ToImmutable();

    private string NextId() => $"{issuer}-{state.Epoch}-{_commands.Count + 1}";
}
