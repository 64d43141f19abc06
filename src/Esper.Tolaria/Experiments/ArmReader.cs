using System.Collections.Immutable;
using Esper.Contracts;
using Esper.Tolaria.Configuration;
using YamlDotNet.RepresentationModel;

namespace Esper.Tolaria.Experiments;

/// <summary>Reads the arms of an experiment's file.</summary>
internal sealed class ArmReader
{
    private const string NoPolicy = "none";
    private static readonly ImmutableArray<string> Matches = ["flops", "epochs"];
    private readonly YamlSection _root;
    private readonly string _origin;
    private readonly string _dataset;
    private readonly YamlMappingNode _base;
    private readonly List<ArmDefinition> _arms = [];
    private readonly Dictionary<string, YamlMappingNode> _settings = [];

    public ArmReader(YamlSection root, string origin, string dataset)
    {
        (_root, _origin, _dataset) = (root, origin, dataset);
        _base = root.Mapping("base");
        YamlNodes.RequireConfigKeys(_base, origin);
    }

    public ImmutableArray<ArmDefinition> Read()
    {
        foreach (YamlMappingNode node in _root.Mappings("arms"))
        {
            YamlSection arm = new(node, _origin, "an arm", "name", "kind", "of", "match", "hosts", "set");
            string name = ExperimentFile.RequireName(arm, "name");
            if (_arms.Any(known => known.Name == name))
            {
                throw arm.ErrorAt("name", $"There are two arms '{name}'.");
            }

            Read(arm, name, arm.OneOf("kind", ArmKinds.All));
        }

        return _arms.Count > 0 ? [.. _arms] : throw _root.ErrorAt("arms", "An experiment needs 'arms'.");
    }

    private void Read(YamlSection arm, string name, string kind)
    {
        string? of = Of(arm, kind);
        string? match = Match(arm, kind, of);
        YamlMappingNode set = arm.Mapping("set");
        YamlNodes.RequireConfigKeys(set, _origin);
        bool inherits = kind is ArmKinds.FinalArchitecture or ArmKinds.Widened;
        YamlMappingNode settings = inherits ? YamlNodes.Merge(_settings[of!], set) : set;
        _settings[name] = settings;
        RunConfig config = YamlNodes.ToConfig(YamlNodes.Merge(_base, settings), _origin) with { Dataset = _dataset };
        bool grows = kind is ArmKinds.Grown or ArmKinds.Upgrade;
        if (grows && config.Policy.Kind == NoPolicy)
        {
            throw arm.ErrorAt("kind", $"Arm '{name}' is of kind '{kind}' and needs a policy: set 'policy: {{ kind: heuristic }}' below 'set' or 'base'.");
        }

        config = grows ? config : config with { Policy = config.Policy with { Kind = NoPolicy } };
        if (kind == ArmKinds.FinalArchitecture && !config.Lattice.Initial.IsEmpty)
        {
            throw arm.ErrorAt("set", "lattice.initial: an arm of kind 'final-architecture' has the modules of the run that it is of.");
        }

        if (kind == ArmKinds.Sweep)
        {
            AddSweep(arm, name, config, of, match);
        }
        else
        {
            Add(arm, new ArmDefinition(name, kind, config, of, match, []));
        }
    }

    private string? Of(YamlSection arm, string kind)
    {
        bool needed = kind is ArmKinds.FinalArchitecture or ArmKinds.Widened or ArmKinds.Upgrade || (arm.Has("match") && kind != ArmKinds.Grown);
        if (!needed)
        {
            return arm.Has("of") ? throw arm.ErrorAt("of", $"of: an arm of kind '{kind}' depends on no other, unless 'match' says in what.") : null;
        }

        string of = arm.Text("of");
        ArmDefinition? source = _arms.Find(known => known.Name == of);
        return source is null
            ? throw arm.ErrorAt("of", $"of: there is no arm '{of}' above this one. {Suggestion.Phrase(of, _arms.Select(known => known.Name))}")
            : source.Kind == ArmKinds.Sweep
                ? throw arm.ErrorAt("of", $"of: '{of}' is a sweep; name one of its sizes: {string.Join(", ", source.Members)}.")
                : of;
    }

    private static string? Match(YamlSection arm, string kind, string? of)
    {
        if (kind is ArmKinds.Grown or ArmKinds.Upgrade || of is null)
        {
            return arm.Has("match") ? throw arm.ErrorAt("match", $"match: the cost of an arm of kind '{kind}' follows from what grows.") : null;
        }

        return arm.OneOf("match", Matches);
    }

    private void AddSweep(YamlSection arm, string name, RunConfig config, string? of, string? match)
    {
        ImmutableArray<string> hosts = arm.Texts("hosts");
        if (hosts.Length < 2 || hosts.Distinct().Count() < hosts.Length)
        {
            throw arm.ErrorAt("hosts", "A sweep needs 'hosts': two or more different ones, such as [cnn3:8-16-32, cnn3:16-32-64].");
        }

        string[] members = [.. hosts.Select(host => $"{name}/{host}")];
        foreach ((string member, string host) in members.Zip(hosts))
        {
            Add(arm, new ArmDefinition(member, ArmKinds.Static, config with { Host = host }, of, match, []));
        }

        _arms.Add(new ArmDefinition(name, ArmKinds.Sweep, config, of, match, [.. members]));
    }

    private void Add(YamlSection arm, ArmDefinition definition)
    {
        if (arm.Has("hosts") && !definition.Name.Contains('/', StringComparison.Ordinal))
        {
            throw arm.ErrorAt("hosts", $"hosts: only a sweep has several; set 'host' below 'set'.");
        }

        ImmutableArray<string> problems = ConfigValidator.Problems(definition.Config);
        if (!problems.IsEmpty)
        {
            throw arm.ErrorAt("name", $"arm '{definition.Name}': {string.Join(" ", problems)}");
        }

        _arms.Add(definition);
    }
}
