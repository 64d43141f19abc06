using System.Security.Cryptography;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Esper.Architecture.Tests;

/// <summary>What the C headers and the managed code both state is the same.</summary>
public sealed partial class HeaderConstantTests
{
    private const string KernelHeader = "native/include/esper/esper.h";
    private const string HostHeader = "native/include/esper/esper_host.h";

    /// <summary>Managed enums that repeat one of the headers: header, enum and prefix of its names there, full name here.</summary>
    public static TheoryData<string, string, string, string> Enums { get; } = new()
    {
        { KernelHeader, "esper_stage", "ESPER_STAGE_", "Esper.Contracts.Lifecycle.SeedStage" },
        { KernelHeader, "esper_family", "ESPER_FAMILY_", "Esper.Contracts.Blueprints.BlueprintFamily" },
        { KernelHeader, "esper_activation", "ESPER_ACTIVATION_", "Esper.Contracts.Blueprints.BlueprintActivation" },
        { KernelHeader, "esper_blend", "ESPER_BLEND_", "Esper.Contracts.Blueprints.BlendMode" },
        { KernelHeader, "esper_isa", "ESPER_ISA_", "Esper.Native.CpuIsa" },
        { KernelHeader, "esper_layout", "ESPER_LAYOUT_", "Esper.Native.TensorLayout" },
        { KernelHeader, "esper_optimizer", "ESPER_OPTIMIZER_", "Esper.Native.OptimizerKind" },
        { KernelHeader, "esper_dtype", "ESPER_DTYPE_", "Esper.Native.CudaDType" },
        { KernelHeader, "esper_status_code", "ESPER_(ERROR_)?", "Esper.Native.NativeStatus" },
        { HostHeader, "esper_host_dtype", "ESPER_HOST_", "Esper.Native.HostDType" },
        { HostHeader, "esper_host_dtype", "ESPER_HOST_", "Esper.Graph.ElementType" },
        { HostHeader, "esper_host_role", "ESPER_HOST_", "Esper.Native.HostRole" },
        { HostHeader, "esper_host_device", "ESPER_HOST_", "Esper.Native.HostDevice" },
        { HostHeader, "esper_host_optimizer", "ESPER_HOST_", "Esper.Native.OptimizerKind" },
    };

    [Theory]
    [MemberData(nameof(Enums))]
    public void Enums_repeat_the_header(string header, string name, string prefix, string typeName)
    {
        ProductProject owner = ProductProject.All.Single(project => typeName.StartsWith(project.Name + ".", StringComparison.Ordinal));
        Type type = owner.Assembly.GetType(typeName, throwOnError: true)!;
        string text = Comment().Replace(Repository.File(header).Text, "");
        string body = Regex.Match(text, $@"\benum {name} \{{([^}}]*)\}}").Groups[1].Value;
        SortedDictionary<string, int> native = new(StringComparer.Ordinal);
        foreach (Match match in Regex.Matches(body, $@"\b{prefix}(?<name>[A-Z0-9_]+)\s*=\s*(?<value>-?\d+)"))
        {
            native.Add(match.Groups["name"].Value.Replace("_", "", StringComparison.Ordinal), int.Parse(match.Groups["value"].Value));
        }

        SortedDictionary<string, int> managed = new(StringComparer.Ordinal);
        foreach (object value in Enum.GetValues(type))
        {
            managed.Add(value.ToString()!.ToUpperInvariant(), Convert.ToInt32(value));
        }

        Assert.NotEmpty(native);
        Assert.Equal(native, managed);
    }

    [Theory]
    [InlineData(KernelHeader, "EsperConstants.g.cs")]
    [InlineData(HostHeader, "EsperHostConstants.g.cs")]
    public void Bindings_were_generated_from_this_header(string header, string generated)
    {
        byte[] text = File.ReadAllBytes(Repository.File(header).FullPath);
        string digest = Convert.ToHexStringLower(SHA256.HashData(text));
        string bindings = Repository.File($"src/Esper.Native/Generated/{generated}").Text;
        Assert.True(
            bindings.Contains(digest, StringComparison.Ordinal),
            $"src/Esper.Native/Generated/{generated} was generated from another {header}. Refresh it with: ./build.sh bindings");
    }

    [Fact]
    public void Native_and_managed_versions_agree()
    {
        string native = ProjectVersion().Match(Repository.File("CMakeLists.txt").Text).Groups[1].Value;
        string managed = XDocument.Load(Repository.File("Directory.Build.props").FullPath).Descendants("Version").Single().Value;
        Assert.NotEmpty(native);
        Assert.Equal(native, managed);
    }

    [GeneratedRegex(@"/\*.*?\*/", RegexOptions.Singleline)]
    private static partial Regex Comment();

    [GeneratedRegex(@"project\(esper VERSION ([0-9.]+)")]
    private static partial Regex ProjectVersion();
}
