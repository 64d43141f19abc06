using System.Collections.Immutable;
using System.CommandLine;
using Esper.Cli.Options;
using Esper.Cli.Output;
using Esper.Graph;
using Esper.Graph.Onnx;
using Esper.Nissa;

namespace Esper.Cli.Commands;

/// <summary><c>esper import</c>: what an ONNX model is to Esper.</summary>
internal static class ImportCommand
{
    /// <summary>Creates the command.</summary>
    public static EsperCommand Create(CliEnvironment environment)
    {
        Argument<string> file = new("FILE") { Description = "An ONNX model." };
        Option<string[]> shapes = InputShapes.Option();
        Option<string[]> frozen = new("--freeze")
        {
            HelpName = "PATTERN",
            Description = "Tensors that are not to be trained: * any text, ? one character. May be repeated.",
            DefaultValueFactory = _ => [],
        };
        Option<bool> nodes = new("--nodes") { Description = "Show every node, with shapes and costs." };
        Option<bool> json = CommonOptions.Json("the summary");
        return new EsperCommand("import", "Show what an ONNX model is as a host: operators, parameters, FLOPs, sites, problems.")
            .With(file)
            .WithGroup("How to read it", shapes, frozen)
            .WithGroup("Output", nodes, json)
            .WithExample("esper import model.onnx", "whether it can be trained, and where seeds could sit")
            .WithExample("esper import gpt.onnx --input-shape tokens=N,128", "a model whose sequence length the file leaves open")
            .Does(parsed => Run(
                environment,
                parsed.GetRequiredValue(file),
                new ImportOptions { InputShapes = InputShapes.Parse(parsed.GetValue(shapes)!), Frozen = [.. parsed.GetValue(frozen)!] },
                parsed.GetValue(nodes),
                parsed.GetValue(json)));
    }

    private static int Run(CliEnvironment environment, string file, ImportOptions options, bool nodes, bool json)
    {
        ImportedHost host;
        try
        {
            host = OnnxImporter.Import(file, options);
        }
        catch (OnnxImportException e)
        {
            return Refuse(environment, file, e.Problems, json);
        }
        catch (OnnxFormatException e)
        {
            return Refuse(environment, file, [new ImportProblem("", "", e.Message)], json);
        }

        GraphCost cost = GraphCost.Of(host.Graph);
        ImmutableArray<string> sites = LatticeWrapping.Candidates(host.Graph);
        if (json)
        {
            JsonOutput.Write(environment.Output, Document(file, host, cost, sites));
        }
        else
        {
            Show(environment, file, host, cost, sites, nodes);
        }

        return ExitCode.Success;
    }

    private static int Refuse(CliEnvironment environment, string file, ImmutableArray<ImportProblem> problems, bool json)
    {
        if (json)
        {
            JsonOutput.Write(environment.Output, new { File = file, Problems = problems });
            return ExitCode.Failure;
        }

        environment.Error.WriteLine($"{file} cannot become a host: {problems.Length} {(problems.Length == 1 ? "problem" : "problems")}");
        foreach (ImportProblem problem in problems)
        {
            environment.Error.WriteLine($"  {problem}");
        }

        return ExitCode.Failure;
    }

    private static object Document(string file, ImportedHost host, GraphCost cost, ImmutableArray<string> sites)
    {
        GraphShapes shapes = ShapeInference.Infer(host.Graph);
        return new
        {
            File = file,
            host.Producer,
            host.Opset,
            host.Operators,
            cost.Parameters,
            cost.Buffers,
            Flops = cost.ForwardFlops,
            Inputs = host.Graph.Inputs.Select(input => new { input.Name, Type = input.ElementType.ToString(), Shape = input.Shape.ToString() }),
            Outputs = host.Graph.Outputs.Select(name => new { Name = name, Type = shapes[name].ElementType.ToString(), Shape = shapes[name].Shape.ToString() }),
            Sites = sites.Select(name => new { Name = name, Shape = shapes[name].Shape.ToString() }),
            host.Untrained,
            Problems = ImmutableArray<ImportProblem>.Empty,
        };
    }

    private static void Show(
        CliEnvironment environment, string file, ImportedHost host, GraphCost cost, ImmutableArray<string> sites, bool nodes)
    {
        TextWriter output = environment.Output;
        GraphShapes shapes = ShapeInference.Infer(host.Graph);
        output.WriteLine($"{file}: opset {host.Opset}{(host.Producer.Length > 0 ? $", written by {host.Producer}" : "")}");
        foreach (GraphInput input in host.Graph.Inputs)
        {
            output.WriteLine($"  reads  {input.Name}  {input.ElementType}{input.Shape}");
        }

        foreach (string name in host.Graph.Outputs)
        {
            output.WriteLine($"  makes  {name}  {shapes[name]}");
        }

        output.WriteLine();
        output.WriteLine($"{HumanText.Whole(cost.Parameters)} parameters, {HumanText.Whole(cost.Buffers)} numbers in buffers, "
            + $"{HumanText.Scaled(cost.ForwardFlops)}FLOP an example");
        output.WriteLine();
        TextTable operators = new("Operator", ">In the file");
        foreach ((string op, int count) in host.Operators.OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key, StringComparer.Ordinal))
        {
            operators.Add(op, HumanText.Whole(count));
        }

        operators.Write(output, environment.Width);
        if (nodes)
        {
            output.WriteLine();
            output.Write(GraphText.Render(host.Graph));
        }

        ShowUntrained(environment, host);
        output.WriteLine();
        output.WriteLine($"{sites.Length} values can carry seeds (--sites):");
        const int Most = 12;
        foreach (string name in nodes ? sites : sites.Take(Most))
        {
            output.WriteLine($"  {name}  {shapes[name].Shape}");
        }

        if (!nodes && sites.Length > Most)
        {
            output.WriteLine($"  ... and {sites.Length - Most} more; --nodes shows all");
        }
    }

    private static void ShowUntrained(CliEnvironment environment, ImportedHost host)
    {
        if (host.Untrained.IsEmpty)
        {
            return;
        }

        environment.Output.WriteLine();
        TextTable table = new("Would not train", ">Numbers", "Why");
        foreach (UntrainedTensor tensor in host.Untrained)
        {
            table.Add(tensor.Name, HumanText.Whole(tensor.Elements), tensor.Reason);
        }

        table.Write(environment.Output, environment.Width);
    }
}
